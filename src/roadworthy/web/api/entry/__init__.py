"""What every request passes before its route: who asks, what is let in, and how errors are answered."""
