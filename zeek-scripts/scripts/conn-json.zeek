##! Writes every connection a second time, as JSON, beside the ordinary conn.log. Not loaded by the package; load it
##! by its name:
##!
##!     @load /opt/zeekml/zeek-scripts/scripts/conn-json
##!
##! The same connections come in the same order; both logs are rotated, each by itself. conn.log stays as
##! it is for the tools that read TSV.

@load base/protocols/conn

module ZeekML;

export {
	## Name of the JSON log, without its ending.
	const conn_json_path = "conn_json" &redef;

	## How times are written: JSON::TS_ISO8601 (UTC, six decimals), JSON::TS_EPOCH (seconds with a fraction)
	## or JSON::TS_MILLIS (whole milliseconds: the order of close connections is lost, zeekml does not advise it).
	const conn_json_timestamps = "JSON::TS_ISO8601" &redef;
}

event zeek_init()
	{
	Log::add_filter(Conn::LOG, [$name="conn-json", $path=conn_json_path,
	                            $config=table(["use_json"]="T", ["json_timestamps"]=conn_json_timestamps)]);
	}
