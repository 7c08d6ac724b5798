# @TEST-DOC: Loading the whole package raises nothing and reads nothing as long as no table is named.
#
# @TEST-EXEC: zeek -b $SCRIPTS %INPUT > out
# @TEST-EXEC: grep -q "^quiet$" out
# @TEST-EXEC: test ! -e notice.log
# @TEST-EXEC: test ! -e reporter.log

event zeek_init() &priority=-10
	{
	if ( ZeekML::alerts_table == "" )
		print "quiet";
	}
