"""The SOP as data: its steps, the workflows made of them, and the builds it installs. Runs nothing."""
