##! An example of a policy: every host that zeekml names as a bot is dropped through NetControl for a while.
##! A wrong verdict cuts a machine off: try without it first. Not loaded by the package; load it by its name, and
##! activate a NetControl plugin that reaches your switch or firewall, without which nothing is dropped:
##!
##!     @load /opt/zeekml/zeek-scripts/scripts/policy/netcontrol-drop

@load base/frameworks/netcontrol
@load base/frameworks/notice
@load ../alerts

module ZeekML;

export {
	## How long a host is dropped.
	const drop_for = 1hr &redef;

	## Hosts and networks that are never dropped: servers, gateways, whatever must stay up.
	const never_drop: set[subnet] = {} &redef;
}

hook Notice::notice(n: Notice::Info) &priority=-10
	{
	if ( n$note != ZeekML::Botnet_Host || ! n?$src || n$src in never_drop )
		return;

	NetControl::drop_address(n$src, drop_for, "ZeekML::Botnet_Host");
	}
