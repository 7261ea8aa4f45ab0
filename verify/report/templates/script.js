(() => {
  const table = document.getElementById("summary-table");
  const form = document.getElementById("controls");
  if (!table || !form) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];
  const entries = rows.map(row => {
    const parts = [...document.querySelectorAll('[data-claim="' + CSS.escape(row.dataset.for) + '"]')];
    return { row, parts, text: (row.textContent + " " + row.dataset.words).toLowerCase() };
  });
  const said = form.querySelector("output");

  const filter = () => {
    const words = form.elements.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const verdict = form.elements.verdict.value, family = form.elements.family.value;
    let shown = 0;
    for (const { row, parts, text } of entries) {
      const kept = words.every(word => text.includes(word))
        && (!verdict || row.dataset.verdict.split(" ").includes(verdict))
        && (!family || row.dataset.family === family);
      shown += kept;
      for (const part of [row, ...parts]) part.hidden = !kept;
    }
    for (const group of document.querySelectorAll("section.claims"))
      group.hidden = !group.querySelector("article:not([hidden])");
    said.textContent = shown === rows.length ? "" : shown + " of " + rows.length + " claims";
  };

  const sort = (column, button) => {
    const up = button.getAttribute("aria-sort") !== "ascending";
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    button.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
    const order = (one, other) => {
      const a = key(one), b = key(other), x = parseFloat(a), y = parseFloat(b);
      if (!a || !b) return !a - !b;
      const found = isNaN(x) || isNaN(y) ? a.localeCompare(b) : x - y;
      return up ? found : -found;
    };
    body.append(...[...body.rows].sort(order));
  };

  [...table.tHead.rows[0].cells].forEach((cell, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...cell.childNodes);
    button.addEventListener("click", () => sort(column, cell));
    cell.append(button);
  });
  form.addEventListener("input", filter);
  form.addEventListener("submit", event => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  form.hidden = false;
  filter();
})();
