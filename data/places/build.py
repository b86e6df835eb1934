"""Builds the place databases that ship with evictd, from the CSV of ip-location-db's packages.

Called by `make places`, which fetches the packages: build.py PACKAGES FOLDER. PACKAGES holds one unpacked package in each
folder, named by it; FOLDER is data/places. What is there is replaced only by data that is newer and passes the checks.
"""

import csv
import datetime
import hashlib
import ipaddress
import json
import pathlib
import random
import re
import sys

import maxminddb
from mmdb_writer import MMDBWriter
from netaddr import IPNetwork, IPSet

# Database, its type, what it is made of, and which value a row gives. Rows are first address, last address, values.
COUNTRY = ("geo-whois-asn-country/geo-whois-asn-country-ipv4.csv", "asn-country/asn-country-ipv6.csv")
ASN = ("asn/asn-ipv4.csv", "asn/asn-ipv6.csv")

# Addresses whose place is beyond doubt; more of them stand in src/places/check.rs.
CANARIES = {
    "8.8.8.8": ("US", 15169),
    "193.0.6.139": ("NL", 3333),
    "5.255.255.5": ("RU", 13238),
    "200.160.2.3": ("BR", 22548),
    "168.126.63.1": ("KR", 4766),
    "2001:4860:4860::8888": ("US", 15169),
    "2a02:6b8::1": ("RU", 13238),
    "2001:200::1": ("JP", 2500),
}

# Of random addresses that have a country, so many in a hundred may change it from one edition to the next.
MOVED_PERCENT_MAX = 2


def version_of(packages):
    """The version of the packages, all of one day, and that day: 2.3.2026061719 is of 2026-06-17, 19 h UTC."""
    names = sorted({path.split("/")[0] for path in COUNTRY + ASN})
    versions = {json.loads((packages / name / "package.json").read_text())["version"] for name in names}
    if len({version[:-2] for version in versions}) != 1:
        sys.exit(f"the packages are not of one day: {sorted(versions)}")
    version = max(versions)
    day = re.fullmatch(r"\d+\.\d+\.(\d{10})", version)
    if not day:
        sys.exit(f"the version {version} does not end with a day and an hour")
    return version, datetime.datetime.strptime(day[1], "%Y%m%d%H").replace(tzinfo=datetime.timezone.utc)


def write(path, kind, description, sources, value):
    writer = MMDBWriter(
        ip_version=6,
        ipv4_compatible=True,
        database_type=kind,
        languages=["en"],
        description={"en": description},
        int_type="u32",
    )
    for source in sources:
        with source.open(newline="", encoding="utf-8") as rows:
            for row in csv.reader(rows):
                first, last = map(ipaddress.ip_address, row[:2])
                networks = ipaddress.summarize_address_range(first, last)
                writer.insert_network(IPSet(IPNetwork(str(network)) for network in networks), value(row))
    writer.to_db_file(str(path))


def date(path, day):
    """Writes into the file when its data is of, in place of when it was converted: its age is that of the data."""
    data = path.read_bytes()
    end = data.rindex(b"\xab\xcd\xefMaxMind.com")
    epoch = maxminddb.open_database(str(path)).metadata().build_epoch.to_bytes(4, "big")
    metadata = data[end:]
    if metadata.count(epoch) != 1:
        sys.exit(f"cannot date {path}")
    path.write_bytes(data[:end] + metadata.replace(epoch, int(day.timestamp()).to_bytes(4, "big")))


def country_of(database, address):
    return ((database.get(address) or {}).get("country") or {}).get("iso_code")


def check(new_country, new_asn, old_country):
    """Everything that speaks against the new databases."""
    faults = []
    for address, (country, asn) in CANARIES.items():
        if country_of(new_country, address) != country:
            faults.append(f"{address} is in {country_of(new_country, address)}, not {country}")
        found = (new_asn.get(address) or {}).get("autonomous_system_number")
        if found != asn:
            faults.append(f"{address} is of AS{found}, not AS{asn}")
    chance = random.Random(1)
    known = moved = 0
    while known < 100_000:
        if chance.random() < 0.5:
            address = str(ipaddress.IPv4Address(chance.getrandbits(32)))
        else:
            address = str(ipaddress.IPv6Address(0x2 << 124 | chance.getrandbits(24) << 100))
        before = country_of(old_country, address)
        known += before is not None
        moved += before not in (None, country_of(new_country, address))
    print(f"{moved} of {known} random addresses change their country")
    if moved * 100 > known * MOVED_PERCENT_MAX:
        faults.append(f"{moved} of {known} random addresses change their country")
    return faults


def main():
    packages, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    version, day = version_of(packages)
    old = maxminddb.open_database(str(folder / "country.mmdb"))
    before = datetime.datetime.fromtimestamp(old.metadata().build_epoch, datetime.timezone.utc)
    print(f"packages: {version}, of {day}; here: {before}")
    new = {name: packages / f"{name}.mmdb" for name in ("country", "asn")}
    write(
        new["country"],
        "Country-CCBY4",
        f"IPv4: @ip-location-db/geo-whois-asn-country, IPv6: @ip-location-db/asn-country, {version} "
        "(NRO statistics, CC BY 4.0)",
        [packages / source for source in COUNTRY],
        lambda row: {"country": {"iso_code": row[2]}},
    )
    write(
        new["asn"],
        "ip-location-db-ASN",
        f"RouteViews, NRO and DB-IP Lite (CC BY 4.0), through @ip-location-db/asn {version}",
        [packages / source for source in ASN],
        lambda row: {"autonomous_system_number": int(row[2]), "autonomous_system_organization": row[3]},
    )
    for path in new.values():
        date(path, day)
    opened = {name: maxminddb.open_database(str(path)) for name, path in new.items()}
    faults = check(opened["country"], opened["asn"], old)
    if faults:
        sys.exit("nothing was replaced:\n" + "\n".join(faults))
    if day <= before:
        print("the checks pass; nothing was replaced: what is here is as new")
        return
    sums = ""
    for name, path in new.items():
        data = path.read_bytes()
        (folder / f"{name}.mmdb").write_bytes(data)
        sums += f"{hashlib.sha256(data).hexdigest()}  {name}.mmdb\n"
    (folder / "SHA256SUMS").write_text(sums)
    notice = folder / "NOTICE.md"
    text = re.sub(r"2\.3\.\d{10}", version, notice.read_text())
    notice.write_text(text.replace(before.strftime("%Y-%m-%d"), day.strftime("%Y-%m-%d")))
    print("replaced: run the tests, look at `git diff --stat`, commit")


main()
