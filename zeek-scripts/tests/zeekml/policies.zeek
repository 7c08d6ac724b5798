# @TEST-DOC: A host that is named as a bot is added to the Intel file once, and dropped where NetControl has a plugin.
#
# @TEST-EXEC: zeek -b $SCRIPTS/policy/intel-file.zeek $SCRIPTS/policy/netcontrol-drop.zeek %INPUT
# @TEST-EXEC: cmp intel.dat expected
# @TEST-EXEC: grep -q "10.0.0.1" netcontrol_drop.log
# @TEST-EXEC-FAIL: grep -q "10.0.0.9" netcontrol_drop.log

# @TEST-START-FILE expected
#fields	indicator	indicator_type	meta.source	meta.desc
10.0.0.1	Intel::ADDR	zeekml	ZeekML::Botnet_Host
10.0.0.9	Intel::ADDR	zeekml	ZeekML::Botnet_Host
# @TEST-END-FILE

redef ZeekML::intel_file = "intel.dat";
redef ZeekML::never_drop += { 10.0.0.9/32 };

event NetControl::init()
	{
	local debug_plugin = NetControl::create_debug(T);
	NetControl::activate(debug_plugin, 0);
	}

event NetControl::init_done()
	{
	NOTICE(Notice::Info($note=ZeekML::Botnet_Host, $src=10.0.0.1, $identifier="one"));
	NOTICE(Notice::Info($note=ZeekML::Botnet_Host, $src=10.0.0.1, $identifier="two"));
	NOTICE(Notice::Info($note=ZeekML::Botnet_Host, $src=10.0.0.9, $identifier="three"));
	NOTICE(Notice::Info($note=ZeekML::Botnet_Connection, $src=10.0.0.2, $identifier="four"));
	}
