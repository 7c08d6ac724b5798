"""The patterns of traffic by name."""

from __future__ import annotations

from zeekml.simulate.patterns.beacons import jittered_beacon, regular_beacon
from zeekml.simulate.patterns.bulk import backups, downloads, exfiltration, updates
from zeekml.simulate.patterns.household import administration, chat, dns, monitoring, ntp
from zeekml.simulate.patterns.mirai import command_channel, flood, telnet_scan
from zeekml.simulate.patterns.pattern import Pattern
from zeekml.simulate.patterns.spam import spam
from zeekml.simulate.patterns.web import browsing

PATTERNS: dict[str, Pattern] = {
    pattern.name: pattern
    for pattern in (
        Pattern("browsing", "lookups, then TLS, QUIC or HTTP to several peers", "workstations", browsing),
        Pattern("dns", "name lookups by applications", "all", dns),
        Pattern("ntp", "clocks set every 1024 s", "all", ntp),
        Pattern("chat", "long messaging connections with keep-alives", "workstations", chat),
        Pattern("monitoring", "pings to every host every ten minutes", "monitor", monitoring),
        Pattern("administration", "SSH sessions with the network's server", "workstations", administration),
        Pattern("backups", "large uploads to the network's server at night", "workstations", backups),
        Pattern("updates", "software updates from few servers", "all", updates),
        Pattern("mirai-command", "IRC command channel that stays, with retries", "mirai", command_channel),
        Pattern("mirai-scan", "telnet scan of random addresses in bursts", "mirai", telnet_scan),
        Pattern("flood", "SYN and UDP floods at one victim", "mirai", flood),
        Pattern("beacon-regular", "command calls every 60 s", "beacon-regular", regular_beacon),
        Pattern(
            "beacon-jittered", "command calls every 90 s with jitter", "beacon-jittered", jittered_beacon
        ),
        Pattern("spam", "mail to many servers in bursts", "spam", spam),
        Pattern("exfiltration", "large uploads to one outside server", "exfiltration", exfiltration),
        Pattern("downloads", "programs fetched by address over HTTP", "infected", downloads),
    )
}
