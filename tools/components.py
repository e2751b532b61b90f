#!/usr/bin/env python3
"""Writes what is linked into ticket-router: a bill of materials and the notices that its licences ask for.

    components.py [--features kafka,vendored-openssl] [--target TRIPLE] --sbom FILE --notices FILE

The bill is CycloneDX 1.6 in JSON. Both files hold the crates that are linked in, not those that only build them (procedural macros,
build scripts, tests), and the C libraries that some crates bring. It ends with 1 if a component has no licence text, so that the
notices are never incomplete. The same commit gives the same bytes.
"""

import argparse
import json
import re
import subprocess
import sys
import tomllib
import uuid
from datetime import datetime, timezone
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTICES = ROOT / "tools/notices"
LICENCE_FILE = re.compile(r"(?i)^(un)?licen[cs]es?|^copying|^notice|^copyright")
# Crates whose package holds no licence text: who owns the copyright, and which text of tools/notices, or of this repository, applies.
WITHOUT_TEXT = {
    "pbjson": ("Copyright (c) 2021 The authors of pbjson", NOTICES / "MIT.txt"),
    "pbjson-types": ("Copyright (c) 2021 The authors of pbjson", NOTICES / "MIT.txt"),
    "rdkafka-sys": ("Copyright (c) 2016 Federico Giraud", NOTICES / "MIT.txt"),
} | {
    name: ("Copyright The OpenTelemetry Authors", ROOT / "LICENSE")
    for name in (
        "opentelemetry", "opentelemetry-appender-tracing", "opentelemetry-http", "opentelemetry-otlp", "opentelemetry-proto",
        "opentelemetry_sdk",
    )
}


class Component:
    """Something that is linked in. `texts` are its licence texts, in order."""

    def __init__(self, name, version, licence, purl, texts, cpe=None, sha256=None, website=None, needs=()):
        self.name, self.version, self.licence, self.purl = name, version, licence, purl
        self.texts, self.cpe, self.sha256, self.website = texts, cpe, sha256, website
        self.needs = sorted(needs)

    def as_json(self):
        component = {
            "type": "library",
            "bom-ref": self.purl,
            "name": self.name,
            "version": self.version,
            "licenses": [{"expression": self.licence}],
            "purl": self.purl,
        }
        if self.cpe:
            component["cpe"] = self.cpe
        if self.sha256:
            component["hashes"] = [{"alg": "SHA-256", "content": self.sha256}]
        if self.website:
            component["externalReferences"] = [{"type": "website", "url": self.website}]
        return component


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def tree(features, target, edges):
    """(name, version) of all that the program needs along these edges. `cargo metadata` would mix in what other members ask for."""
    lines = cargo("tree", "--locked", "--package", "ticket-router", "--no-default-features", "--features", features,
                  "--target", target, "--edges", edges, "--prefix", "none", "--format", "{p}").splitlines()
    return {(name, version.removeprefix("v")) for name, version, *_ in map(str.split, filter(None, lines))}


def texts_of(package):
    folder = Path(package["manifest_path"]).parent
    files = sorted(path for path in folder.iterdir() if path.is_file() and LICENCE_FILE.match(path.name))
    if files:
        return [path.read_text(encoding="utf-8") for path in files]
    if package["name"] in WITHOUT_TEXT:
        owner, file = WITHOUT_TEXT[package["name"]]
        return [f"{owner}\n\n{file.read_text(encoding='utf-8')}"]
    return []


def purl(package):
    return f"pkg:cargo/{package['name']}@{package['version']}"


def number(text, *names):
    """The version that C's `#define`s of these names give."""
    return ".".join(re.search(rf'#define\s+{name}\s+"?([\d.]+)', text)[1] for name in names)


def c_libraries(crate, folder, openssl):
    """The C libraries that a crate brings. Their versions are read from the sources that are compiled."""
    upstream = crate["version"].partition("+")[2]
    if crate["name"] == "rdkafka-sys":
        source = folder / "librdkafka"
        # Its licences name what it holds of others: cJSON, crc32c, hdrhistogram, lz4, murmur2, nanopb, snappy, tinycthread and more.
        yield Component("librdkafka", upstream, "BSD-2-Clause", f"pkg:github/confluentinc/librdkafka@v{upstream}",
                        [(source / "LICENSES.txt").read_text(encoding="utf-8")],
                        website="https://github.com/confluentinc/librdkafka")
        lz4 = number((source / "src/lz4.h").read_text(), "LZ4_VERSION_MAJOR", "LZ4_VERSION_MINOR", "LZ4_VERSION_RELEASE")
        yield Component("lz4", lz4, "BSD-2-Clause", f"pkg:github/lz4/lz4@v{lz4}", [(source / "LICENSE.lz4").read_text()],
                        cpe=f"cpe:2.3:a:lz4_project:lz4:{lz4}:*:*:*:*:*:*:*", website="https://lz4.org")
    elif crate["name"] == "zstd-sys":
        version = upstream.removeprefix("zstd.")
        yield Component("zstd", version, "BSD-3-Clause", f"pkg:github/facebook/zstd@v{version}",
                        [(folder / "zstd/LICENSE").read_text()],
                        cpe=f"cpe:2.3:a:facebook:zstandard:{version}:*:*:*:*:*:*:*", website="https://facebook.github.io/zstd")
    elif crate["name"] == "libz-sys":
        version = number((folder / "src/zlib/zlib.h").read_text(), "ZLIB_VERSION")
        yield Component("zlib", version, "Zlib", f"pkg:github/madler/zlib@v{version}",
                        [(folder / "src/zlib/LICENSE").read_text()],
                        cpe=f"cpe:2.3:a:zlib:zlib:{version}:*:*:*:*:*:*:*", website="https://zlib.net")
    elif crate["name"] == "openssl-sys" and openssl:
        version = openssl["version"].partition("+")[2]
        text = (Path(openssl["manifest_path"]).parent / "openssl/LICENSE.txt").read_text()
        yield Component("openssl", version, "Apache-2.0", f"pkg:github/openssl/openssl@openssl-{version}", [text],
                        cpe=f"cpe:2.3:a:openssl:openssl:{version}:*:*:*:*:*:*:*", website="https://www.openssl.org")


def components(features, target):
    """The program's own package, and all that is linked into it."""
    known = json.loads(cargo("metadata", "--locked", "--format-version", "1", "--all-features", "--filter-platform", target))
    lock = tomllib.loads((ROOT / "Cargo.lock").read_text())
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in lock["package"]}
    packages = {package["id"]: package for package in known["packages"]}
    nodes = {node["id"]: node for node in known["resolve"]["nodes"]}

    def key(identity):
        return packages[identity]["name"], packages[identity]["version"]

    linked = tree(features, target, "normal,no-proc-macro")
    built_with = tree(features, target, "normal,build,no-proc-macro")
    openssl = next((packages[it] for it in packages if packages[it]["name"] == "openssl-src" and key(it) in built_with), None)
    own, rest = None, []
    for identity in filter(lambda it: key(it) in linked, packages):
        package = packages[identity]
        brought = list(c_libraries(package, Path(package["manifest_path"]).parent, openssl))
        needs = {purl(packages[it["pkg"]]) for it in nodes[identity]["deps"]
                 if key(it["pkg"]) in linked and it["pkg"] != identity and any(kind["kind"] is None for kind in it["dep_kinds"])}
        component = Component(package["name"], package["version"], re.sub(" ?/ ?", " OR ", package["license"]), purl(package),
                              texts_of(package), sha256=checksums[key(identity)], website=package["repository"],
                              needs=needs | {library.purl for library in brought})
        rest += brought
        if package["name"] == "ticket-router":
            own = component
        else:
            rest.append(component)
    return own, sorted(rest, key=lambda component: (component.name.lower(), component.version))


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def bill(own, rest):
    written = datetime.fromtimestamp(int(git("log", "-1", "--format=%ct")), timezone.utc)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, git('rev-parse', 'HEAD') + repr(own.needs))}",
        "version": 1,
        "metadata": {
            "timestamp": written.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {**own.as_json(), "type": "application"},
        },
        "components": [component.as_json() for component in rest],
        "dependencies": [{"ref": component.purl, "dependsOn": component.needs} for component in [own, *rest]],
    }


def notices(own, rest):
    """Every text once, under the names of all components that it covers."""
    covered = {}
    for component in rest:
        for text in component.texts:
            covered.setdefault(text.strip(), []).append(f"{component.name} {component.version} ({component.licence})")
    parts = [f"ticket-router {own.version} holds the following components, under the licences given with each.\n"]
    for text, names in covered.items():
        parts.append("-" * 100 + "\n" + "\n".join(names) + "\n\n" + text + "\n")
    return "\n".join(parts)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", default="kafka")
    parser.add_argument("--target", default="x86_64-unknown-linux-gnu")
    parser.add_argument("--sbom", type=Path, required=True)
    parser.add_argument("--notices", type=Path, required=True)
    arguments = parser.parse_args()

    own, rest = components(arguments.features, arguments.target)
    lacking = [f"{component.name} {component.version}" for component in rest if not component.texts]
    if lacking:
        print(f"no licence text: {', '.join(lacking)}; look it up and add it to WITHOUT_TEXT in {__file__}", file=sys.stderr)
        return 1
    arguments.sbom.write_text(json.dumps(bill(own, rest), indent=2) + "\n", encoding="utf-8")
    arguments.notices.write_text(notices(own, rest), encoding="utf-8")
    print(f"{len(rest)} components, each with its licence text")
    return 0


if __name__ == "__main__":
    sys.exit(main())
