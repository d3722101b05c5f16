"use strict";
// Draws the figures in the page's colours, and filters the rows. Reads text only.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const settings = { responsive: true, displaylogo: false, displayModeBar: false };

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function draw() {
  for (const place of document.querySelectorAll(".plot")) {
    const figure = JSON.parse(document.getElementById(place.dataset.figure).textContent);
    const layout = figure.layout;
    // On a narrow page the legend has one name a line.
    const narrow = place.clientWidth < 520 && layout.showlegend;
    if (narrow) layout.height += 20 * (figure.data.length - 1);
    layout.font = { color: colour("--ink"), family: getComputedStyle(document.body).fontFamily, size: 12.5 };
    layout.hoverlabel = { bgcolor: colour("--soft"), font: { color: colour("--ink") } };
    for (const axis of ["xaxis", "yaxis"]) {
      layout[axis] = { ...layout[axis], gridcolor: colour("--line"), zerolinecolor: colour("--line") };
    }
    Plotly.react(place, figure.data, layout, settings);
  }
}

const rows = [...document.querySelectorAll(".row")];
const controls = Object.fromEntries(
  ["search", "state", "source", "reason"].map((id) => [id, document.getElementById(id)])
);

function filter() {
  const wanted = controls.search.value.toLowerCase();
  let shown = 0;
  for (const row of rows) {
    const fits = ["state", "source", "reason"].every(
      (name) => !controls[name].value || row.dataset[name] === controls[name].value
    );
    row.hidden = !(fits && (!wanted || row.textContent.toLowerCase().includes(wanted)));
    shown += row.hidden ? 0 : 1;
  }
  document.getElementById("count").textContent = `${shown} of ${rows.length} rows`;
}

for (const control of Object.values(controls)) control.addEventListener("input", filter);
document.querySelector(".filter").addEventListener("submit", (event) => event.preventDefault());
dark.addEventListener("change", draw);
draw();
filter();
