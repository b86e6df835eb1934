#!/usr/bin/env python3
"""Writes agents.json and crawlers.txt anew from the two projects named in NOTICE.md. Run by hand; the output is kept.

    convert.py agents   regexes.yaml            > agents.json     needs PyYAML; the file lies in the crate `ua-parser`
    convert.py crawlers crawler-user-agents.json > crawlers.txt

Left out of agents.json: devices, which no rule asks for and which are two thirds of the patterns. Left out of
crawlers.txt: what `src/clients/marks.rs` tells as a script or a driven browser, and what names no crawler.
"""

import json
import sys

NAMES_NO_CRAWLER = {
    r"008\/",  # ends the names of telephones
    r"AP3A\.240617\.008",  # a build of Android
    "Sogou",  # a browser, too
    "Viber",  # an app, as are the next
    r"Overcast\/",
    "Podimo",
    "WhatsApp",
}

SCRIPTS = {
    "[wW]get", "Python-urllib", "python-requests", "aiohttp", "httpx", "libwww-perl", "Go-http-client", "Pcore-HTTP",
    "okhttp", r"AHC\/", "^Apache-HttpClient", "Jetty", "axios", "HttpUrlConnection", "AnyEvent", "^curl",
    "^PHP-Curl-Class", "node-fetch", r"sindresorhus\/got", "[mM]echanize", "CustomAsyncHttpClient", r"^HTTPie\/",
    "lwp-trivial",
}  # fmt: skip


def agents(path):
    import yaml

    with open(path, encoding="utf-8") as file:
        lists = yaml.safe_load(file)
    lists["device_parsers"] = []
    blocks = []
    for name in ["user_agent_parsers", "os_parsers", "device_parsers"]:
        rows = ",\n".join(json.dumps(row, ensure_ascii=False) for row in lists[name])
        blocks.append(f'"{name}": [\n{rows}\n]')
    print("{\n" + ",\n".join(blocks) + "\n}")


def crawlers(path):
    with open(path, encoding="utf-8") as file:
        rows = json.load(file)
    print("# Patterns of crawlers' names, one a line; the licence is in LICENSE-crawler-user-agents.")
    for row in rows:
        driven = "browser-automation" in row.get("tags", [])
        if not driven and row["pattern"] not in NAMES_NO_CRAWLER | SCRIPTS:
            print(row["pattern"])


if __name__ == "__main__":
    {"agents": agents, "crawlers": crawlers}[sys.argv[1]](sys.argv[2])
