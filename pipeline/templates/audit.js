"use strict";
// Counts the marks, and saves them as JSON lines that build-dataset audit --marks reads.
const sections = [...document.querySelectorAll(".audited")];

function marksOf(section) {
  const found = { row: section.dataset.row, stratum: section.dataset.stratum };
  for (const input of section.querySelectorAll("[data-mark]")) {
    if (input.type !== "radio" || input.checked) found[input.dataset.mark] = input.value;
  }
  return found;
}

function isMarked(section) {
  return [...section.querySelectorAll("input[type=radio]:checked")].some((input) => input.value);
}

document.addEventListener("change", () => {
  const marked = sections.filter(isMarked).length;
  document.getElementById("count").value = `${marked} of ${sections.length} rows marked`;
});

document.getElementById("save").addEventListener("click", () => {
  const lines = sections.map((section) => JSON.stringify(marksOf(section)) + "\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
  link.download = "audit-marks.jsonl";
  link.click();
});
