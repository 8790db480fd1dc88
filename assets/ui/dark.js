// The page is dark whatever the system prefers: radiographs are read in the dark.
(() => {
  const darken = () => {
    const body = document.body;
    if (body && !body.classList.contains("dark")) body.classList.add("dark");
  };
  new MutationObserver(darken).observe(document.documentElement, {
    attributes: true,
    attributeFilter: ["class"],
    childList: true,
    subtree: true,
  });
  darken();
})();
