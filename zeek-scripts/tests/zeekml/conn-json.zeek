# @TEST-DOC: The script adds a filter beside the ordinary one, by whatever name a site gives it.
#
# @TEST-EXEC: zeek -b $SCRIPTS/conn-json.zeek %INPUT > out
# @TEST-EXEC: grep -q "^beside conn as conn_too$" out
# @TEST-EXEC: test ! -e reporter.log

redef ZeekML::conn_json_path = "conn_too";

event zeek_init() &priority=-10
	{
	print fmt("beside %s as %s", Log::get_filter(Conn::LOG, "default")$path, Log::get_filter(Conn::LOG, "conn-json")$path);
	}
