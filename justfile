# Common tasks; `just --list` prints them. Each is one command that also works without just.

# The product, end to end, against the sandbox
demo:
    cargo run --release -- demo

# Everything that needs only Rust
test *ARGS:
    cargo test {{ARGS}}

# One library crate, in seconds: `just lib package`
lib NAME:
    cargo test -p dropship-{{NAME}}

# The ten slowest tests
slow:
    .ci/slow

# Format, then lint as the gate does
lint:
    cargo fmt --all
    cargo clippy --workspace --all-targets --features postgres --locked -- -D warnings

# Regenerate every generated file: schema, manual page, lists of checks, errors and metrics, golden files
update:
    UPDATE=1 INSTA_UPDATE=always cargo test --workspace --locked --lib
    INSTA_UPDATE=always cargo test --locked --test it -- golden

# One step of the gate, or all: `just ci lints`
ci *STEPS:
    .ci/run {{STEPS}}

# Fuzz the readers of untrusted bytes: `just fuzz 60 cab`
fuzz *ARGS:
    .ci/fuzz {{ARGS}}

# The Debian package
package:
    .ci/package

# Documentation of all crates
doc:
    cargo doc --workspace --no-deps --open
