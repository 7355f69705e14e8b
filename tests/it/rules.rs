//! Rules and labels: what operators write, and what comes of it.

mod book;
mod cab;
mod cases;
mod checked;
mod fields;
mod labels;
mod lives;
mod products;
mod reload;
mod running;
mod samples;
mod sidecars;
