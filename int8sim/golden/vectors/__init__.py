"""Few inputs that tell a layer's arithmetic from all of the catalogue's mutations, and the score of inputs."""
