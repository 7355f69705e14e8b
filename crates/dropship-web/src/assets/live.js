// Keeps the region with data-live up to date, and the times that have elapsed. Without it, the page is reloaded by hand.
"use strict";
