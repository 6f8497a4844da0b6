// Folds (<details data-fold id=…>) that a reader opened or closed stay so when htmx replaces them.
(() => {
  let was = new Map();
  document.addEventListener("htmx:beforeSwap", () => {
    was = new Map([...document.querySelectorAll("details[data-fold]")].map((fold) => [fold.id, fold.open]));
  });
  document.addEventListener("htmx:afterSwap", () => {
    document.querySelectorAll("details[data-fold]").forEach((fold) => {
      if (was.has(fold.id)) fold.open = was.get(fold.id);
    });
  });
})();
