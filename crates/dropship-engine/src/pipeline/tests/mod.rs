//! A simulation of the whole pipeline: the README of this folder explains it.

mod crash_points;
mod crash_sweep;
mod crashing_store;
mod fake_service;
mod fixtures;
mod flat_cost;
mod large_packages;
mod random_histories;
mod scenarios;
mod service_state;
mod simulation;
