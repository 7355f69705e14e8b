"""A build script as people write them for the Hardware dashboard API, with nothing of dropship in it.

    service.py LOGIN API TENANT PACKAGE

gets a token, makes a product and a submission, uploads by one PUT, commits, waits for the signature,
downloads the signed package, and labels it for a test ring. Standard library only; the two hosts are
arguments, all else is as the documents have it.
"""

import json
import sys
import time
import urllib.parse
import urllib.request

LOGIN, API, TENANT, PACKAGE = sys.argv[1:5]
BASE = API + "/v2.0/my/hardware"


def call(method, url, body=None, headers=(), raw=False):
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers))
    with urllib.request.urlopen(request, timeout=60) as answer:
        content = answer.read()
        if raw:
            return answer.status, content
        return answer.status, json.loads(content) if content else None


form = {
    "grant_type": "client_credentials",
    "client_id": "app",
    "client_secret": "secret",
    "resource": "https://manage.devcenter.microsoft.com",
}
_, token = call("POST", f"{LOGIN}/{TENANT}/oauth2/token", urllib.parse.urlencode(form).encode())
bearer = {"Authorization": "Bearer " + token["access_token"]}
send = {**bearer, "Content-Type": "application/json"}

status, product = call(
    "POST",
    BASE + "/products",
    {
        "productName": "Contoso sound",
        "testHarness": "attestation",
        "deviceType": "internal",
        "deviceMetadataIds": [],
        "isTestSign": False,
        "isFlightSign": False,
        "marketingNames": [],
        "selectedProductTypes": {},
        "requestedSignatures": ["WINDOWS_v100_X64_CO_FULL"],
        "additionalAttributes": {},
    },
    send,
)
assert status == 201, status
submissions = f"{BASE}/products/{product['id']}/submissions"
status, submission = call("POST", submissions, {"name": "Contoso sound 1.0", "type": "initial"}, send)
assert status == 201, status
one = f"{submissions}/{submission['id']}"


def download(kind):
    _, fresh = call("GET", one, headers=bearer)
    for item in (fresh.get("downloads") or {}).get("items") or []:
        if item["type"].lower() == kind.lower():
            return item["url"].replace(" ", "%20")
    return None


with open(PACKAGE, "rb") as package:
    status, _ = call("PUT", download("initialPackage"), package.read(), {"x-ms-blob-type": "BlockBlob"}, raw=True)
assert status == 201, status
status, _ = call("POST", one + "/commit", b"", {**send, "Content-Length": "0"})
assert status == 202, status

deadline = time.monotonic() + 60
while True:
    _, now = call("GET", one, headers=bearer)
    flow = now.get("workflowStatus") or {}
    assert flow.get("state") != "failed", flow
    if flow.get("currentStep") == "finalizeIngestion" and flow.get("state") == "completed":
        break
    assert time.monotonic() < deadline, flow
    time.sleep(0.05)

_, signed = call("GET", download("signedPackage"), raw=True)
assert signed[:2] == b"PK", signed[:20]
_, metadata = call("GET", download("driverMetadata"))
_, audiences = call("GET", BASE + "/audiences", headers=bearer)
ring = next(item["id"] for item in audiences["value"] if item["name"] == "Test Registry Key")
targets = [
    {"bundleId": bundle, "infId": inf, "operatingSystemCode": system, "pnpString": pnp}
    for bundle, infs in metadata["BundleInfoMap"].items()
    for inf, facts in infs["InfInfoMap"].items()
    for system, ids in facts["OSPnPInfoMap"].items()
    for pnp in ids
]
assert targets, metadata
label = {
    "name": "Contoso sound test ring",
    "destination": "windowsUpdate",
    "publishingSpecifications": {
        "isAutoInstallDuringOSUpgrade": False,
        "isAutoInstallOnApplicableSystems": False,
        "manualAcquisition": True,
        "isDisclosureRestricted": True,
        "publishToWindows10s": False,
    },
    "targeting": {"hardwareIds": targets, "restrictedToAudiences": [ring]},
}
status, label = call("POST", one + "/shippingLabels", label, send)
assert status in (200, 201), status
print(json.dumps({"product": product["id"], "submission": submission["id"], "label": label["id"], "signed": len(signed)}))
