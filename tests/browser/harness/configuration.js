// The configuration of a daemon under test.

/** A root that signs nothing here: `check` asks for one. */
const ROOTS = new URL("../../../crates/dropship-package/tests/fixtures/pki/roots.pem", import.meta.url).pathname;

/** A folder and a rule for each kind of driver, and times that fit a test. */
export function configuration({ base, port }) {
  return `
[account]
tenant_id = "contoso.onmicrosoft.com"
client_id = "00000000-0000-0000-0000-000000000000"
client_secret_file = "secret"

[api]
endpoint = "${base}"
authority = "${base}"
uncertain = "2s"
audit = "0s"
retry = { first = "50ms", max = "1s" }
[api.poll]
sign = { first = "100ms", max = "500ms" }
publish = { first = "100ms", max = "500ms" }

[store]
path = "store"

[control]
socket = "control.sock"

[web]
listen = "127.0.0.1:${port}"

[signers]
roots = ["${ROOTS}"]
allow_unsigned = true

[guard]
everybody = "allow"

[[folder]]
name = "audio"
path = "audio"
outbox = "out/audio"
settle = "100ms"
poll = "1s"

[[folder]]
name = "network"
path = "network"
outbox = "out/network"
settle = "100ms"
poll = "1s"

[[folder]]
name = "firmware"
path = "firmware"
outbox = "out/firmware"
settle = "100ms"
poll = "1s"
${RULES}`;
}

const PRODUCT = `
[rule.product]
name = "{{ inf.provider }} {{ file.stem }} {{ inf.version }}"
test_harness = "attestation"
device_type = "internal"
requested_signatures = ["WINDOWS_v100_X64_CO_FULL", "WINDOWS_v100_X64_NI_FULL"]
[rule.submission]
name = "{{ file.stem }}"
`;

/** Audio drivers are published at once, network drivers are held before their second label, firmware waits three days for it. */
const RULES = `
[[rule]]
name = "audio-attestation"
folders = ["audio"]
match = { file = "*.cab", not = { file = "*unknown*" } }
${PRODUCT}
[[rule.label]]
name = "{{ file.stem }} test ring"
destination = "windows_update"
audiences = ["Test Registry Key"]

[[rule]]
name = "network-staged"
folders = ["network"]
match = { file = "*.cab" }
${PRODUCT}
[[rule.label]]
name = "{{ file.stem }} test ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
[[rule.label]]
name = "{{ file.stem }} partner ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
after = "* test ring"
hold = true
go_live = "+7d"
blackout = ["2026-12-18..2027-01-01"]

[[rule]]
name = "firmware-pilot"
folders = ["firmware"]
match = { file = "*.cab" }
${PRODUCT}
[[rule.label]]
name = "{{ file.stem }} test ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
[[rule.label]]
name = "{{ file.stem }} pilot ring"
destination = "windows_update"
audiences = ["Test Registry Key"]
after = "* test ring"
soak = "3d"
`;
