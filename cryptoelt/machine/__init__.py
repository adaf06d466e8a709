"""What a machine needs before anything runs: Java, jars, the class-data archive, the place of the server."""
