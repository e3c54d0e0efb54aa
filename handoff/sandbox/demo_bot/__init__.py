"""A small company's chatbot, which hands over through the product's public doors."""
