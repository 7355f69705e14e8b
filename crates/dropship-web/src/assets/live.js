// Keeps the region with data-live up to date, and the times that have elapsed. Without it, the page is reloaded by hand.
"use strict";
(() => {
  const span = (milliseconds) => {
    const seconds = Math.max(0, Math.floor(milliseconds / 1000));
    const days = Math.floor(seconds / 86400);
    const hours = Math.floor(seconds / 3600) % 24;
    const minutes = Math.floor(seconds / 60) % 60;
    const two = (large, unit, small, part) => `${large} ${unit}` + (small > 0 ? ` ${small} ${part}` : "");
    if (days > 0) return two(days, "d", hours, "h");
    if (hours > 0) return two(hours, "h", minutes, "min");
    if (minutes >= 10) return `${minutes} min`;
    if (minutes > 0) return two(minutes, "min", seconds % 60, "s");
    return `${seconds} s`;
  };
  const tick = () => {
    for (const time of document.querySelectorAll("time[data-elapsed]")) {
      const text = span(Date.now() - Date.parse(time.dateTime));
      if (time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(tick, 1000);

  const region = document.querySelector("[data-live]");
  if (!region) return;
  const status = document.querySelector("[data-live-status]");
  const say = (text) => {
    if (status && status.textContent !== text) status.textContent = text;
  };

  // Elements by their section and text. An update can add others before them.
  const places = (selector) => {
    const found = new Map();
    for (const one of region.querySelectorAll(selector)) {
      const section = one.closest("section");
      const heading = section && section.querySelector("h2");
      const label = one.getAttribute("href") || one.getAttribute("aria-label") || (one.querySelector("summary") || one).textContent;
      const name = `${heading ? heading.textContent : ""}\n${label}`;
      let key = name;
      for (let same = 2; found.has(key); same += 1) key = `${name}\n${same}`;
      found.set(key, one);
    }
    return found;
  };

  // What the reader has opened, scrolled and focused stays so.
  const FOCUSABLE = "a, summary, pre, [tabindex]";
  const keep = () => {
    const opened = Array.from(places("details")).filter(([, one]) => one.open);
    const scrolled = Array.from(places(".scroll"), ([key, one]) => [key, one.scrollLeft]);
    const focused = Array.from(places(FOCUSABLE)).find(([, one]) => one === document.activeElement);
    return () => {
      const details = places("details");
      for (const [key] of opened) if (details.has(key)) details.get(key).open = true;
      const regions = places(".scroll");
      for (const [key, left] of scrolled) if (regions.has(key)) regions.get(key).scrollLeft = left;
      const same = focused && places(FOCUSABLE).get(focused[0]);
      if (same) same.focus({ preventScroll: true });
    };
  };

  const source = new EventSource(region.dataset.live);
  source.addEventListener("open", () => say("Updated live"));
  source.addEventListener("region", (event) => {
    const restore = keep();
    region.innerHTML = event.data;
    restore();
    tick();
    say("Updated live");
  });
  source.addEventListener("full", () => say("Not updated live: there are too many readers. Reload the page."));
  source.addEventListener("error", () => say("Connection lost. Reload the page, or wait."));
  addEventListener("pagehide", () => source.close());
})();
