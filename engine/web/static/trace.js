/* The two-way trace of the message screen. A place of the message has data-place="s2-5-1-1-1"; what
   was made of places has data-from="s2-5-1-1-1 ..." with data-path, data-rule and data-origin.
   Resting on either, by pointer or by focus, lights both and says in words how they belong. */
"use strict";
(() => {
  const status = document.getElementById("trace");
  if (!status) return;
  const copy = document.getElementById("copy-path");
  const LIT = "lit";
  let last = null;

  const places = (name) => [...document.querySelectorAll(`[data-place="${name}"]`)];
  const madeOf = (name) => [...document.querySelectorAll(`[data-from~="${name}"]`)];

  function linked(element) {
    if (element.dataset.place) return madeOf(element.dataset.place);
    return (element.dataset.from || "").split(" ").filter(Boolean).flatMap(places);
  }

  function sentence(element, others) {
    const { place, path, rule, origin } = element.dataset;
    if (!place) {
      const by = rule ? ` by ${rule}` : "";
      return origin ? `${origin} → ${path}${by}` : `${path}${by}`;
    }
    const own = path || (others[0] && others[0].dataset.origin) || "this place";
    if (!others.length) return `${own} is in no element`;
    const first = others[0].dataset;
    const more = others.length > 1 ? ` and ${others.length - 1} more` : "";
    return `${own} → ${first.path}${more}${first.rule ? ` by ${first.rule}` : ""}`;
  }

  function light(element, follow) {
    for (const one of document.querySelectorAll(`.${LIT}`)) one.classList.remove(LIT);
    const others = linked(element);
    for (const one of [element, ...others]) one.classList.add(LIT);
    if (follow && others.length) reveal(others[0]);
    status.textContent = sentence(element, others);
    last = element;
    const path = element.dataset.path || (others[0] && others[0].dataset.path) || "";
    copy.dataset.copy = path;
    copy.hidden = !path;
  }

  /* Scrolls the other side only, never the page: what one reads must not jump. */
  function reveal(element) {
    const pane = element.closest(".pane-body");
    if (!pane) return;
    const inner = element.getBoundingClientRect();
    const outer = pane.getBoundingClientRect();
    if (inner.top < outer.top || inner.bottom > outer.bottom) {
      pane.scrollTop += inner.top - outer.top - outer.height / 3;
    }
  }

  function focus(element) {
    if (!element.hasAttribute("tabindex")) element.setAttribute("tabindex", "-1");
    element.focus({ preventScroll: false });
  }

  /* t: from what has the focus to the other side; with nothing chosen, to the first element. */
  function cross() {
    const here = document.activeElement?.closest("[data-place], [data-from]") || last;
    const other = here && linked(here)[0];
    const first = document.querySelector("#made [data-from]:not([data-from='']), #source [data-place]");
    const target = other || (here === last && last ? null : first) || first;
    if (target) focus(target);
  }

  const traced = (event) => event.target.closest?.("[data-place], [data-from]");
  document.addEventListener("mouseover", (event) => {
    const found = traced(event);
    if (found && found !== last) light(found, false);
  });
  document.addEventListener("focusin", (event) => {
    const found = traced(event);
    if (found) light(found, true);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-trace]")) cross();
  });
})();
