//! A model: histories of drops, deaths, lost answers and operators that nobody would write, and what must always hold.
