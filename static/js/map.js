// The evidence map: hover, focus or tap shows a cell's studies in a card; arrow keys walk from cell to cell, the space bar
// leads into the card and Escape back to its cell.
(() => {
  const card = () => document.getElementById("map-card");
  const cellOf = (event) => event.target.closest?.("[data-map] td > a");
  let timer = 0;
  let shown = null;
  let awaited = null; // the cell into whose card the reader wants to step when it comes
  const close = () => {
    clearTimeout(timer);
    if (card()?.contains(document.activeElement)) shown?.focus();
    clearTimeout(timer); // which the focus has set
    shown = awaited = null;
    if (card()) card().hidden = true;
  };
  const enter = () => {
    awaited = null;
    card().querySelector(".map-card__study a, .map-card__acts a")?.focus();
  };
  const place = (link) => {
    const box = link.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = card();
    const below = box.bottom + height + 8 < window.innerHeight;
    const left = Math.max(8, Math.min(box.left, document.documentElement.clientWidth - width - 8));
    card().style.left = `${left}px`;
    card().style.top = `${below ? box.bottom + 4 : Math.max(8, box.top - height - 4)}px`;
  };
  const open = (link) => {
    if (awaited !== link) awaited = null; // the reader has gone on
    if (shown === link) return;
    shown = link;
    const address = link.closest("[data-map]").dataset.card + link.search;
    window.htmx.ajax("GET", address, { target: "#map-card", swap: "innerHTML" }).then(() => {
      if (shown !== link) return;
      card().hidden = false;
      place(link);
      if (awaited === link) enter();
    });
  };
  const soon = (act, wait) => {
    clearTimeout(timer);
    timer = setTimeout(act, wait);
  };
  document.addEventListener("mouseover", (event) => {
    const link = cellOf(event);
    if (link) soon(() => open(link), 350);
    else if (event.target.closest?.("#map-card")) clearTimeout(timer);
    else if (shown) soon(close, 400);
  });
  document.addEventListener("focusin", (event) => cellOf(event) && soon(() => open(cellOf(event)), 250));
  document.addEventListener("click", (event) => {
    const link = cellOf(event);
    if (event.target.closest?.("[data-close]") || (shown && !link && !event.target.closest?.("#map-card"))) close();
    if (!link || event.pointerType === "mouse" || event.pointerType === "" || event.detail === 0) return;
    event.preventDefault(); // a tap shows; the card leads on to the list
    open(link);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === " " && cellOf(event)) {
      event.preventDefault();
      clearTimeout(timer);
      if (shown === cellOf(event) && !card().hidden) return enter();
      awaited = cellOf(event);
      open(awaited);
    }
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [];
    if (down === undefined || !cellOf(event)) return;
    const cell = cellOf(event).parentElement;
    const rows = [...cell.closest("table").querySelectorAll("tr")];
    for (let row = cell.parentElement.rowIndex + down, at = cell.cellIndex + right; rows[row]?.cells[at]; row += down, at += right) {
      const link = rows[row].cells[at].querySelector("a");
      if (link) return event.preventDefault(), link.focus();
    }
  });
})();
