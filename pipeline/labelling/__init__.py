"""Who says what a question is about and how hard it is: a small linear model, or a served one."""
