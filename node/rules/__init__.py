"""Rules 规则: profiles, periods, the working-day calendar, chains, the slip ladder and scores. Pure."""
