"""A page in the browser that shows what models see in a video, and how trainings went."""
