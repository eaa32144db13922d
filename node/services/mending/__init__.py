"""What keeps both ends the same and finds what is wrong: scrub, repair, reconciling, forks, coming back."""
