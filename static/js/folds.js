// Folds (<details data-fold id=…>) that a reader opened or closed stay so when htmx replaces them.
// One with data-fold="wide" begins closed on a narrow screen.
(() => {
  const folds = () => [...document.querySelectorAll("details[data-fold]")];
  let was = new Map();
  if (window.matchMedia("(max-width: 61.99rem)").matches) {
    folds().forEach((fold) => fold.dataset.fold === "wide" && fold.removeAttribute("open"));
  }
  document.addEventListener("htmx:beforeSwap", () => {
    was = new Map(folds().map((fold) => [fold.id, fold.open]));
  });
  document.addEventListener("htmx:afterSwap", () => {
    folds().forEach((fold) => {
      if (was.has(fold.id)) fold.open = was.get(fold.id);
    });
  });
})();
