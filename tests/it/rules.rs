//! Rules and labels: what operators write, and what comes of it.

mod book;
mod cases;
mod reload;
mod running;
