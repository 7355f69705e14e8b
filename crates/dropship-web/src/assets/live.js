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

  // What the reader has opened, scrolled and focused stays so.
  const keep = () => {
    const opened = new Set();
    region.querySelectorAll("details").forEach((one, index) => {
      if (one.open) opened.add(index);
    });
    const scrolled = Array.from(region.querySelectorAll(".scroll"), (one) => one.scrollLeft);
    const focused = region.contains(document.activeElement) ? document.activeElement : null;
    const focusable = "a, summary, pre, [tabindex]";
    const at = focused ? Array.from(region.querySelectorAll(focusable)).indexOf(focused) : -1;
    const link = focused && focused.getAttribute("href");
    return () => {
      region.querySelectorAll("details").forEach((one, index) => {
        one.open = opened.has(index);
      });
      region.querySelectorAll(".scroll").forEach((one, index) => {
        one.scrollLeft = scrolled[index] || 0;
      });
      if (!focused) return;
      const all = Array.from(region.querySelectorAll(focusable));
      const same = link ? all.find((one) => one.getAttribute("href") === link) : all[at];
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
