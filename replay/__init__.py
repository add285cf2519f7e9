"""`make replay`: a real set played through the deployed app, and what its alarms and retrainings were worth."""
