##! Takes zeekml's alerts in and raises them as notices, so that they land in Zeek's own notice.log and
##! obey its mail settings and policies.
##!
##! zeekml keeps the alerts of the last while in a small table file (its setting sinks.alerts_table.path) and
##! renames a new one over it at each change. The Input framework reads the file again whenever it changed.
##! An alert is raised at most once: rows that were written before this Zeek started are skipped, and
##! the ids of alerts are remembered while it runs. In a cluster the manager does this, alone.

@load base/frameworks/cluster
@load base/frameworks/input
@load base/frameworks/notice

module ZeekML;

export {
	redef enum Notice::Type += {
		## zeekml scored a connection as botnet traffic.
		Botnet_Connection,
		## The connections of a host add up to those of a bot.
		Botnet_Host,
	};

	redef record Notice::Info += {
		## The peers that carry most of the evidence against the host, the heaviest first.
		evidence_peers: vector of addr &log &optional;
		## Likewise the ports, such as "23/tcp".
		evidence_ports: vector of string &log &optional;
	};

	## The table file, with its full path. "": none, and nothing is raised.
	const alerts_table = "" &redef;

	## How Zeek suppresses. F: every alert is a notice of its own, as zeekml has suppressed already. T: also
	## by host and class, for as long as the alert says or Notice::type_suppression_intervals has it.
	const suppress_by_host = F &redef;

	## How long the id of an alert is remembered. Longer than zeekml keeps a row in the table
	## (sinks.alerts_table.keep, one hour unless set otherwise).
	const remember_alerts_for = 1day &redef;

	## What a row of the table is found by.
	type AlertId: record {
		## The alert, 32 hexadecimal digits.
		id: string;
	};

	## A row of the table.
	type Alert: record {
		## "ZeekML::Botnet_Connection" or "ZeekML::Botnet_Host".
		note: string;
		## The class, such as "PortScan".
		kind: string &optional;
		## The probability that the connection is not benign.
		score: double;
		## The evidence against a host, in nats.
		evidence: double &optional;
		## Connections since the last notice of this kind about this host and class.
		n: count;
		## How long zeekml counts, and does not alert on, more of the same.
		suppress_for: interval;
		## Start of the connection.
		ts: time;
		## The connection's uid in conn.log; for Suricata's the flow id.
		uid: string &optional;
		## Originator; absent where the log had no address there.
		orig_h: addr &optional;
		## Its port; the type for ICMP.
		orig_p: count;
		## Responder, likewise.
		resp_h: addr &optional;
		## Its port; the code for ICMP.
		resp_p: count;
		## "tcp", "udp", "icmp" or another.
		proto: string &optional;
		## The service as in conn.log.
		service: string &optional;
		## The peers that carry most of the evidence against the originator, the heaviest first.
		evidence_peers: vector of addr &optional;
		## Likewise the ports, such as "23/tcp".
		evidence_ports: vector of string &optional;
		## The alert as a sentence.
		msg: string;
		## The facts: score, class, model, reasons.
		sub: string;
		## Wall clock at which zeekml first put the row into the table.
		written: time;
	};

	## Raised by the Input framework for each row of the table that is new, has changed or has gone.
	global alert_read: event(description: Input::TableDescription, tpe: Input::Event, left: AlertId, right: Alert);
}

# The rows of the table as they are now.
global alerts: table[string] of Alert = table();

# Ids of alerts that were raised.
global raised: set[string] &create_expire=remember_alerts_for;

# Wall clock at the start of this Zeek.
global started: time;

function transport(name: string): transport_proto
	{
	if ( name == "tcp" )
		return tcp;

	if ( name == "udp" )
		return udp;

	if ( name == "icmp" )
		return icmp;

	return unknown_transport;
	}

function suppression_key(id: string, a: Alert): string
	{
	if ( suppress_by_host && a?$orig_h && a?$kind )
		return fmt("%s %s", a$orig_h, a$kind);

	return id;
	}

function raise_alert(id: string, a: Alert)
	{
	# The time is the connection's, as in zeekml's own notice.log: with the uid it finds the line in conn.log.
	local n = Notice::Info($note=Botnet_Connection, $ts=a$ts, $msg=a$msg, $sub=a$sub, $n=a$n,
	                       $identifier=suppression_key(id, a), $suppress_for=a$suppress_for);

	if ( a$note == "ZeekML::Botnet_Host" )
		n$note = Botnet_Host;

	if ( a?$uid )
		n$uid = a$uid;

	if ( a?$orig_h )
		n$src = a$orig_h;

	if ( a?$resp_h )
		n$dst = a$resp_h;

	local proto = unknown_transport;
	if ( a?$proto )
		proto = transport(a$proto);

	n$p = count_to_port(a$resp_p, proto);

	if ( a?$orig_h && a?$resp_h )
		n$id = conn_id($orig_h=a$orig_h, $orig_p=count_to_port(a$orig_p, proto),
		               $resp_h=a$resp_h, $resp_p=count_to_port(a$resp_p, proto));

	if ( a?$evidence_peers )
		n$evidence_peers = a$evidence_peers;

	if ( a?$evidence_ports )
		n$evidence_ports = a$evidence_ports;

	NOTICE(n);
	}

event ZeekML::alert_read(description: Input::TableDescription, tpe: Input::Event, left: AlertId, right: Alert)
	{
	# Rows leave the table when they are old; that, and a change of a row, is no news.
	if ( tpe != Input::EVENT_NEW )
		return;

	if ( right$written < started || left$id in raised )
		return;

	add raised[left$id];
	raise_alert(left$id, right);
	}

event zeek_init()
	{
	if ( alerts_table == "" )
		return;

	if ( Cluster::is_enabled() && Cluster::local_node_type() != Cluster::MANAGER )
		return;

	started = current_time();

	# What a site may have changed for its own files is set here for this one.
	Input::add_table([$source=alerts_table, $reader=Input::READER_ASCII, $mode=Input::REREAD,
	                  $name="zeekml-alerts", $destination=alerts, $idx=AlertId, $val=Alert,
	                  $ev=ZeekML::alert_read,
	                  $config=table(["separator"]="\t", ["set_separator"]=",", ["unset_field"]="-",
	                                ["fail_on_invalid_lines"]="F", ["fail_on_file_problem"]="F")]);
	}
