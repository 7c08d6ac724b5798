@load ./conn-json
