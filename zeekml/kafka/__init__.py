"""Connection logs out of Kafka's topics. Needs ``zeekml[kafka]``."""
