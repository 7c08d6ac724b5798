@load ./alerts
@load ./conn-json
