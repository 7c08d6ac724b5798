##! An example of a policy: every host that zeekml names as a bot is added to Zeek's intelligence, at once in
##! this Zeek and in a file for the next start. Not loaded by the package; load it by its name:
##!
##!     @load /opt/zeekml/zeek-scripts/scripts/policy/intel-file
##!     redef ZeekML::intel_file = "/var/lib/zeek/zeekml-intel.dat";
##!     redef Intel::read_files += { "/var/lib/zeek/zeekml-intel.dat" };

@load base/frameworks/intel
@load base/frameworks/notice
@load ../alerts

module ZeekML;

export {
	## The file of intelligence that hosts are added to, with its full path; made when there is none.
	## "": none, and nothing is added.
	const intel_file = "" &redef;
}

# Hosts that were added by this Zeek.
global listed: set[addr];

hook Notice::notice(n: Notice::Info) &priority=-10
	{
	if ( intel_file == "" || n$note != ZeekML::Botnet_Host || ! n?$src || n$src in listed )
		return;

	add listed[n$src];
	# Nothing that stood in a log goes into the file: it could hold tabs and line ends.
	local desc = fmt("%s", n$note);
	Intel::insert(Intel::Item($indicator=cat(n$src), $indicator_type=Intel::ADDR,
	                          $meta=Intel::MetaData($source="zeekml", $desc=desc)));

	# A file that is not there has the size -1.
	local is_new = file_size(intel_file) < 1.0;
	local f = open_for_append(intel_file);

	if ( is_new )
		write_file(f, "#fields\tindicator\tindicator_type\tmeta.source\tmeta.desc\n");

	write_file(f, fmt("%s\tIntel::ADDR\tzeekml\t%s\n", n$src, desc));
	close(f);
	}
