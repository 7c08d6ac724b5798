"""The drivers: how a log goes from the reader through the model and the alerts to the outputs."""
