# @TEST-DOC: An alert is raised once: not when its row is from before the start, nor when it comes back.
#
# @TEST-EXEC: bash before.sh
# @TEST-EXEC: btest-bg-run zeek "zeek -b $SCRIPTS/alerts.zeek %INPUT"
# @TEST-EXEC: bash after.sh
# @TEST-EXEC: btest-bg-wait 60
# @TEST-EXEC: cmp zeek/out expected

# @TEST-START-FILE before.sh
. "$TOOLS/table.sh"
row old -100 ZeekML::Botnet_Host 10.0.0.1 tcp 23 old | table alerts.tsv
# @TEST-END-FILE

# @TEST-START-FILE after.sh
. "$TOOLS/table.sh"
appears zeek/ready
{
    row old -100 ZeekML::Botnet_Host 10.0.0.1 tcp 23 old
    row one 100 ZeekML::Botnet_Connection 10.0.0.2 tcp 23 one
    row two 100 ZeekML::Botnet_Host 2001:db8::2 udp 53 two
    row three 100 ZeekML::Botnet_Connection 10.0.0.2 icmp 0 'a\x09b\x5c'
    row four 100 ZeekML::Botnet_Connection - sctp 99 four
} | table alerts.tsv
sleep 3
table alerts.tsv < /dev/null
sleep 3
{
    row one 100 ZeekML::Botnet_Connection 10.0.0.2 tcp 23 one
    row last 100 ZeekML::Botnet_Connection 10.0.0.2 tcp 23 last
} | table alerts.tsv
# @TEST-END-FILE

# @TEST-START-FILE expected
four ZeekML::Botnet_Connection - 99/unknown Cfour 3 3600 4 2001:db8::7:23/tcp
last ZeekML::Botnet_Connection 10.0.0.2 23/tcp Clast 3 3600 4 2001:db8::7:23/tcp
one ZeekML::Botnet_Connection 10.0.0.2 23/tcp Cone 3 3600 3 2001:db8::7:23/tcp
three ZeekML::Botnet_Connection 10.0.0.2 0/icmp Cthree 3 3600 4 2001:db8::7:23/tcp
two ZeekML::Botnet_Host 2001:db8::2 53/udp Ctwo 3 3600 3 2001:db8::7:23/tcp
# @TEST-END-FILE

redef exit_only_after_terminate = T;
redef ZeekML::alerts_table = "../alerts.tsv";

global seen: vector of string = vector();

event finish()
	{
	sort(seen, strcmp);
	local out = open("out");
	for ( i in seen )
		print out, seen[i];
	close(out);
	terminate();
	}

hook Notice::notice(n: Notice::Info)
	{
	local src = n?$src ? cat(n$src) : "-";
	local carrying = fmt("%s:%s", n$evidence_peers[1], n$evidence_ports[0]);
	seen += fmt("%s %s %s %s %s %d %.0f %d %s", n$identifier, n$note, src, n$p, n$uid, n$n, n$suppress_for, |n$msg|,
	            carrying);
	if ( n$identifier == "last" )
		event finish();
	}

event zeek_init() &priority=-10
	{
	local f = open("ready");
	close(f);
	schedule 45sec { finish() };
	}
