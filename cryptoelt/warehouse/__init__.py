"""The PostgreSQL warehouse: its models, connections, migrations, and the server cryptoelt can start itself."""
