// Tables sort by a click on a heading: numbers from the highest, texts from A, and the other way at the next click.
"use strict";
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => heading.querySelector("button").addEventListener("click", () => {
    const numbers = heading.classList.contains("number");
    const first = numbers ? "descending" : "ascending";
    const order = heading.ariaSort === first ? (numbers ? "ascending" : "descending") : first;
    const sign = order === "ascending" ? 1 : -1;
    const value = (row) => {
      const cell = row.cells[column];
      if (!numbers) return cell.textContent.trim();
      const data = cell.querySelector("data");
      return data ? Number(data.value) : NaN;
    };
    const compare = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (!numbers) return sign * x.localeCompare(y);
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
      return sign * (x - y);
    };
    headings.forEach((each) => { each.ariaSort = "none"; });
    heading.ariaSort = order;
    table.tBodies[0].append(...[...table.tBodies[0].rows].sort(compare));
  }));
}
