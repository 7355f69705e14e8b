//! The whole way of a package with time paused, a service that loses and delays answers, and a
//! daemon that dies wherever it can.

mod cloud;
mod fragile;
mod lives;
mod material;
mod model;
mod points;
mod sky;
mod sweep;
mod world;
