/* The console's own script: keys, the help list, refreshing parts, copying. No framework, no eval,
   nothing kept in the browser.

   A page says what it offers with attributes:
     data-key="e"            pressing e clicks the element (or focuses it, when it is a field)
     data-key="g b"          first g, then b
     data-key-label="Board"  what the help list says of it; else its own text
     data-list, data-row     j and k move among the rows of the list, Enter opens a row's first link
     data-refresh="5"        gets the event "refresh" every 5 seconds (use hx-trigger="refresh")
     data-pause="#id"        a checkbox: while it is checked, #id is not refreshed
     data-copy="text"        a button that copies the text
     data-check-all="#id"    a checkbox that checks all others inside #id
     data-submit             a field that sends its form when it changes
     data-enter              a text of several lines that Enter sends (with Shift: a new line) */
"use strict";
(() => {
  const FIELDS = "input, textarea, select, [contenteditable]";
  const PREFIX_MILLISECONDS = 1200;
  let prefix = "";
  let prefixUntil = 0;

  const shortcutsOn = () => document.body.dataset.shortcuts === "on";
  const visible = (element) => element.getClientRects().length > 0;
  const withKey = (key) =>
    [...document.querySelectorAll("[data-key]")].find(
      (element) => element.dataset.key === key && visible(element) && !element.disabled,
    );

  function use(element) {
    if (element.matches(FIELDS) && !["checkbox", "radio", "submit", "button"].includes(element.type)) {
      element.focus();
      if (element.select) element.select();
    } else {
      element.click();
    }
  }

  /* -- rows -- */

  function rows() {
    const lists = [...document.querySelectorAll("[data-list]")].filter(visible);
    const list = lists.find((one) => one.contains(document.activeElement)) || lists[0];
    return list ? [...list.querySelectorAll("[data-row]")].filter(visible) : [];
  }

  function move(step) {
    const all = rows();
    if (!all.length) return false;
    const at = all.findIndex((row) => row === document.activeElement || row.contains(document.activeElement));
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
    const row = all[next];
    if (!row.hasAttribute("tabindex")) row.setAttribute("tabindex", "-1");
    row.focus();
    row.scrollIntoView({ block: "nearest" });
    return true;
  }

  function open() {
    const row = document.activeElement;
    if (!row || !row.matches("[data-row]")) return false;
    const link = row.querySelector("[data-open], a[href]");
    if (link) link.click();
    return Boolean(link);
  }

  /* -- keys -- */

  function pressed(event) {
    if (event.key === "Enter" && !event.shiftKey && event.target.matches?.("[data-enter]")) {
      event.preventDefault();
      event.target.form.requestSubmit();
      return;
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const inField = event.target.matches && event.target.matches(FIELDS);
    if (event.key === "Escape" && inField) {
      event.target.blur();
      return;
    }
    if (inField && !["checkbox", "radio"].includes(event.target.type)) return;
    if (!shortcutsOn() || document.querySelector("dialog[open]")) return;
    if (run(event.key)) event.preventDefault();
  }

  function run(key) {
    const now = Date.now();
    const pair = prefix && now < prefixUntil ? `${prefix} ${key}` : "";
    prefix = "";
    const found = (pair && withKey(pair)) || withKey(key);
    if (found) {
      use(found);
      return true;
    }
    if (key === "j" || key === "k") return move(key === "j" ? 1 : -1);
    if (key === "Enter") return open();
    if ([...document.querySelectorAll("[data-key]")].some((one) => one.dataset.key.startsWith(`${key} `))) {
      prefix = key;
      prefixUntil = now + PREFIX_MILLISECONDS;
      return true;
    }
    return false;
  }

  /* -- the help list -- */

  function showHelp() {
    const dialog = document.getElementById("help");
    if (!dialog || dialog.open) return;
    const list = dialog.querySelector("[data-keys-here]");
    const seen = new Set();
    list.replaceChildren();
    for (const element of document.querySelectorAll("[data-key]")) {
      const key = element.dataset.key;
      if (seen.has(key) || !visible(element)) continue;
      seen.add(key);
      const label = element.dataset.keyLabel || element.getAttribute("aria-label") || element.textContent.trim();
      const line = document.createElement("div");
      const term = document.createElement("dt");
      for (const part of key.split(" ")) {
        const kbd = document.createElement("kbd");
        kbd.textContent = part;
        term.append(kbd, " ");
      }
      const meaning = document.createElement("dd");
      meaning.textContent = label;
      line.append(term, meaning);
      list.append(line);
    }
    dialog.showModal();
  }

  /* -- refreshing -- */

  const lastRefresh = new WeakMap();

  function isPaused(element) {
    if (document.hidden || element.contains(document.activeElement?.closest("form, details[open], dialog"))) return true;
    return [...document.querySelectorAll("[data-pause]")].some(
      (one) => one.checked && element.matches(one.dataset.pause),
    );
  }

  function tick() {
    const now = Date.now();
    for (const element of document.querySelectorAll("[data-refresh]")) {
      const wait = 1000 * Math.max(1, Number(element.dataset.refresh) || 5);
      if (!lastRefresh.has(element)) lastRefresh.set(element, now);
      if (isPaused(element) || now - lastRefresh.get(element) < wait) continue;
      lastRefresh.set(element, now);
      element.dispatchEvent(new CustomEvent("refresh"));
    }
  }

  /* -- clicks and changes -- */

  async function clicked(event) {
    const help = event.target.closest("[data-help]");
    if (help) showHelp();
    const copy = event.target.closest("[data-copy]");
    if (copy) {
      await navigator.clipboard.writeText(copy.dataset.copy);
      say(`copied ${copy.dataset.copyLabel || ""}`.trim());
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  }

  function changed(event) {
    const all = event.target.dataset.checkAll;
    if (all) {
      for (const box of document.querySelectorAll(`${all} input[type=checkbox]`)) box.checked = event.target.checked;
    }
    if (event.target.hasAttribute("data-submit")) event.target.form.requestSubmit();
  }

  /* -- sending: Enter twice sends once -- */

  const AGAIN_MILLISECONDS = 2000;

  function sent(event) {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (Date.now() - Number(form.dataset.sentAt || 0) < AGAIN_MILLISECONDS) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.dataset.sentAt = String(Date.now());
  }

  function say(text) {
    const notice = document.getElementById("notice");
    const line = document.createElement("p");
    line.className = "notice";
    line.textContent = text;
    notice.replaceChildren(line);
  }

  document.addEventListener("keydown", pressed);
  document.addEventListener("click", clicked);
  document.addEventListener("change", changed);
  document.addEventListener("submit", sent, true);
  window.addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sentAt;
  });
  document.addEventListener("htmx:config:request", (event) => {
    const token = document.querySelector('meta[name="csrf"]');
    event.detail.ctx.request.headers["X-CSRF-Token"] = token ? token.content : "";
  });
  document.addEventListener("htmx:error", () => say("The console did not answer."));
  setInterval(tick, 1000);
})();
