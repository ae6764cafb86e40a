"use strict";
// Everything here adds to a page that is complete without it: theme, copying, comparing, sorting, filtering.
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

const toggle = document.querySelector("[data-theme-toggle]");
const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};
const nameToggle = () => { toggle.textContent = isDark() ? "Light" : "Dark"; };
toggle.hidden = false;
toggle.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  nameToggle();
});
nameToggle();

for (const button of all("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const text = button.parentElement.querySelector("pre");
    try {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(text);
      button.textContent = "Selected";
    }
  });
}

for (const comparison of all("[data-comparison]")) {
  const slider = comparison.querySelector("input");
  const show = (share) => comparison.style.setProperty("--share", `${share}%`);
  slider.hidden = false;
  slider.addEventListener("input", () => show(slider.value));
  // The picture itself is the larger handle.
  comparison.addEventListener("pointermove", (event) => {
    if (event.target === slider || (event.pointerType === "mouse" && !event.buttons)) return;
    const box = comparison.getBoundingClientRect();
    slider.value = Math.round((100 * (event.clientX - box.left)) / box.width);
    show(slider.value);
  });
  comparison.addEventListener("dragstart", (event) => event.preventDefault());
  comparison.classList.add("slider");
  show(slider.value);
}

const value = (row, column) => row.cells[column].textContent.trim();
const asNumber = (text) => Number(text.replaceAll(",", ""));

for (const table of all("[data-sortable]")) {
  const body = table.tBodies[0];
  const rows = [...body.rows];
  all("thead th", table).forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const sign = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
      all("thead th", table).forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", sign === 1 ? "ascending" : "descending");
      const numeric = head.classList.contains("num");
      rows.sort((a, b) => {
        const x = value(a, column), y = value(b, column);
        if (!numeric) return sign * x.localeCompare(y, "en", { numeric: true });
        const [m, n] = [asNumber(x), asNumber(y)];
        // What is no number goes last, whichever way the rest is sorted.
        return Number.isNaN(m) || Number.isNaN(n) ? Number.isNaN(m) - Number.isNaN(n) : sign * (m - n);
      });
      body.append(...rows);
    });
  });
  const filter = table.closest("section").querySelector("[data-filter]");
  filter.hidden = false;
  const count = filter.querySelector("output");
  filter.querySelector("input").addEventListener("input", (event) => {
    const word = event.target.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(word);
      shown += !row.hidden;
    }
    count.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
  });
}
