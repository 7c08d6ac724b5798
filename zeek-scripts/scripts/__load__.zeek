# Not conn-json, which doubles the connection log: load it by its name.
@load ./alerts
