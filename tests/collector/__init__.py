"""The collector, asked over real sockets."""
