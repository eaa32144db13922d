"""What an operator looks at: alarms, doctor, metrics, status."""
