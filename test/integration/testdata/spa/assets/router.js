// A client-side router: links and the history change the view, not the document.
export function router(routes, view) {
  const show = async () => {
    for (const [pattern, page] of routes) {
      const found = location.pathname.match(pattern);
      if (found) {
        view.textContent = await page(...found.slice(1));
        return;
      }
    }
    view.textContent = "no such page";
  };
  addEventListener("popstate", show);
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link) {
      event.preventDefault();
      history.pushState(null, "", link.href);
      show();
    }
  });
  return show;
}
