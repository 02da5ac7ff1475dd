"""Scores the programmes of the screens: do they explain what changed, and which way?"""
