// Everything is drawn from the filter, whenever it changes.
function draw() {
  drawFilters();
  drawOverview();
  drawHosts();
  drawMap();
  drawNotices();
}

startFilters();
readFilter(location.hash);
drawAbout();
draw();
window.addEventListener("hashchange", () => {
  // Without any of these it is a jump within the page.
  if (!location.hash.includes("=") && location.hash !== "#none" && location.hash !== "") return;
  const before = filter.host;
  readFilter(location.hash);
  shownRows.clear();
  draw();
  if (filter.host && filter.host !== before && hostNamed.has(filter.host)) {
    place("host-title").focus();  // what was chosen is gone with the old rows; readers go on where its answer is
    place("host").scrollIntoView();
  }
});
// On paper there is nothing to press: more rows at once, and back to what it was.
window.addEventListener("beforeprint", () => { shownRows.set("notices", 1000); shownRows.set("hosts", 1000); draw(); });
window.addEventListener("afterprint", () => { shownRows.clear(); draw(); });
document.documentElement.setAttribute("data-ready", "1");
